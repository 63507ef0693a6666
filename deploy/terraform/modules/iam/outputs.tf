output "instance_profile" {
  value = aws_iam_instance_profile.machine.name
}

output "pipeline_role_arn" {
  description = "Null without a repository."
  value       = one(aws_iam_role.pipeline[*].arn)
}

output "trusts" {
  description = "Who may become the pipeline, for the tests."
  value = [
    for role in aws_iam_role.pipeline :
    jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"]
  ]
}
