output "url" {
  description = "Where the API and the pages are."
  value       = "https://${local.host}"
}

output "repository" {
  description = "Where images are pushed to: the pipeline's variable ECR_REPOSITORY."
  value       = module.ecr.url
}

output "pipeline_role" {
  description = "What the pipeline becomes by OIDC: its variable AWS_ROLE."
  value       = module.iam.pipeline_role_arn
}

output "rollout_document" {
  description = "What a rollout sends by SSM: the pipeline's variable SSM_DOCUMENT."
  value       = module.ec2.document
}

output "instances" {
  description = "The machines, for `aws ssm start-session`."
  value       = module.ec2.instance_ids
}

output "addresses" {
  description = "Elastic IPs of the machines; empty without."
  value       = module.ec2.addresses
}

output "mx_addresses" {
  description = "What to ask AWS for reverse DNS of; empty with SES."
  value       = local.ses ? [] : module.nlb[0].addresses
}

output "topic" {
  description = "On which SES announces mail: --sns-topic; null without SES."
  value       = local.ses ? module.ses[0].topic_arn : null
}

output "dead_letters" {
  description = "Queue of notifications that the webhook did not take within an hour; null without SES."
  value       = local.ses ? module.ses[0].dead_letter_url : null
}
