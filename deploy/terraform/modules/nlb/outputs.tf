output "security_group_id" {
  value = aws_security_group.this.id
}

output "addresses" {
  description = "IPv4, one a zone: those of the MX host."
  value       = aws_eip.this[*].public_ip
}

output "proxy_protocol" {
  value = aws_lb_target_group.daemons.proxy_protocol_v2
}
