# The announcement: tried for about an hour, then kept for two weeks to be replayed.

locals {
  # 5 times 5 s, 15 times 5 to 120 s, 20 times 120 s: 56 minutes.  SNS allows an hour in all.
  retries = {
    minDelayTarget     = 5
    maxDelayTarget     = 120
    numRetries         = 40
    numNoDelayRetries  = 0
    numMinDelayRetries = 5
    numMaxDelayRetries = 20
    backoffFunction    = "linear"
  }
  between = local.retries.numRetries - local.retries.numMinDelayRetries - local.retries.numMaxDelayRetries
}

resource "aws_sns_topic" "mail" {
  name              = "${var.name}-mail"
  signature_version = 2 # SHA-256
}

resource "aws_sns_topic_policy" "mail" {
  arn = aws_sns_topic.mail.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SesPublishes"
      Effect    = "Allow"
      Principal = { Service = "ses.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = aws_sns_topic.mail.arn
      Condition = local.from_our_ses
    }]
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.dead_letters.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.mail.arn } }
    }]
  })
}

resource "aws_sns_topic_subscription" "webhook" {
  count = var.webhook == null ? 0 : 1

  topic_arn                       = aws_sns_topic.mail.arn
  protocol                        = "https"
  endpoint                        = var.webhook
  endpoint_auto_confirms          = true # the daemon confirms topics of --sns-topic
  confirmation_timeout_in_minutes = 5
  redrive_policy                  = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn })

  delivery_policy = jsonencode({
    healthyRetryPolicy = local.retries
    throttlePolicy     = { maxReceivesPerSecond = var.deliveries_per_second }
  })

  depends_on = [aws_sqs_queue_policy.dead_letters]
}
