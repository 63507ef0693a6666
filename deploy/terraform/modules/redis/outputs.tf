output "address" {
  description = "Of the node that writes, whichever it is."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "secret_arn" {
  description = "Its password."
  value       = aws_secretsmanager_secret.password.arn
}

output "guarded" {
  description = "What must hold of it, for the tests."
  value = {
    tls      = aws_elasticache_replication_group.this.transit_encryption_enabled
    password = aws_elasticache_replication_group.this.auth_token != null
    failover = aws_elasticache_replication_group.this.automatic_failover_enabled
    nodes    = aws_elasticache_replication_group.this.num_cache_clusters
  }
}
