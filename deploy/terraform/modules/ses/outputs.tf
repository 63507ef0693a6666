output "topic_arn" {
  value = aws_sns_topic.mail.arn
}

output "bucket_arn" {
  value = aws_s3_bucket.mail.arn
}

output "dkim_tokens" {
  description = "Three of them."
  value       = aws_ses_domain_dkim.this.dkim_tokens
}

output "mail_from" {
  value = aws_ses_domain_mail_from.this.mail_from_domain
}

output "dead_letter_url" {
  value = aws_sqs_queue.dead_letters.id
}

output "subscriptions" {
  description = "How many webhooks are subscribed."
  value       = length(aws_sns_topic_subscription.webhook)
}

output "retry_seconds" {
  description = "How long a notification is tried for, for the tests."
  value = (
    local.retries.numMinDelayRetries * local.retries.minDelayTarget +
    local.between * (local.retries.minDelayTarget + local.retries.maxDelayTarget) / 2 +
    local.retries.numMaxDelayRetries * local.retries.maxDelayTarget
  )
}
