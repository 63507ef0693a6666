output "id" {
  value = aws_vpc.this.id
}

output "public_subnet_ids" {
  value = aws_subnet.public[*].id
}

output "private_subnet_ids" {
  value = aws_subnet.private[*].id
}

output "public_cidrs" {
  description = "Where load balancers call from."
  value       = aws_subnet.public[*].cidr_block
}
