output "instance_ids" {
  value = aws_instance.this[*].id
}

output "security_group_id" {
  value = aws_security_group.this.id
}

output "addresses" {
  description = "Elastic IPs."
  value       = aws_eip.this[*].public_ip
}

output "document" {
  value = aws_ssm_document.rollout.name
}

output "machine" {
  description = "What a machine is, for the tests."
  value = {
    type      = aws_instance.this[0].instance_type
    count     = length(aws_instance.this)
    script    = aws_instance.this[0].user_data
    tokens    = aws_instance.this[0].metadata_options[0].http_tokens
    web_port  = aws_vpc_security_group_ingress_rule.web.from_port
    smtp_port = [for rule in aws_vpc_security_group_ingress_rule.smtp : rule.from_port]
    addresses = length(aws_eip.this)
  }
}
