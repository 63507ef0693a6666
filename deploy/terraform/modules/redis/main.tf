# Redis for events between daemons: TLS, and another node that takes over.  It holds nothing that
# must be kept, so it has no backups.

resource "aws_security_group" "this" {
  name        = "${var.name}-redis"
  description = "Redis from the daemons"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "daemons" {
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.clients
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

# Made at the first apply and kept.  ElastiCache takes it no other way, so it is in the state as well.
data "aws_secretsmanager_random_password" "first" {
  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "password" {
  name_prefix             = "${var.name}-redis-"
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "password" {
  secret_id     = aws_secretsmanager_secret.password.id
  secret_string = data.aws_secretsmanager_random_password.first.random_password

  lifecycle {
    ignore_changes = [secret_string]
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Events between daemons"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.node_type
  num_cache_clusters         = var.nodes
  automatic_failover_enabled = true
  multi_az_enabled           = true
  transit_encryption_enabled = true
  at_rest_encryption_enabled = true
  auth_token                 = aws_secretsmanager_secret_version.password.secret_string
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.this.id]
  snapshot_retention_limit   = 0
  apply_immediately          = true
}
