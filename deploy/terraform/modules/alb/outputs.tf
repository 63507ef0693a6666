output "security_group_id" {
  value = aws_security_group.this.id
}

output "dns_name" {
  value = aws_lb.this.dns_name
}

output "zone_id" {
  value = aws_lb.this.zone_id
}

output "redirect" {
  description = "Where port 80 sends browsers."
  value       = aws_lb_listener.http.default_action[0].redirect[0].protocol
}
