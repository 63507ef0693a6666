output "arn" {
  value = aws_ecr_repository.this.arn
}

output "url" {
  value = aws_ecr_repository.this.repository_url
}
