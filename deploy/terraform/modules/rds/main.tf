# PostgreSQL in two zones, encrypted, reached by the daemons alone.

resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "PostgreSQL from the daemons"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "daemons" {
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.clients
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres16"
  family = "postgres16"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # 250 promises that the mail is on disk, on both sides of the zones' border.
  parameter {
    name  = "synchronous_commit"
    value = "on"
  }

  # A statement over many hourly partitions locks each of them and its indexes.
  parameter {
    name         = "max_locks_per_transaction"
    value        = "512"
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  identifier = var.name

  engine                      = "postgres"
  engine_version              = "16"
  instance_class              = var.instance_class
  db_name                     = "tempmail"
  username                    = "tempmail"
  manage_master_user_password = true # in Secrets Manager, and so in no state file
  parameter_group_name        = aws_db_parameter_group.this.name

  storage_type          = "gp3"
  allocated_storage     = var.storage_gb
  max_allocated_storage = 4 * var.storage_gb
  storage_encrypted     = true

  multi_az               = true
  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]

  backup_retention_period    = 7
  backup_window              = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = false
  final_snapshot_identifier  = "${var.name}-final"

  lifecycle {
    ignore_changes = [engine_version] # minor upgrades come by themselves
  }
}

resource "aws_secretsmanager_secret_rotation" "password" {
  secret_id          = aws_db_instance.this.master_user_secret[0].secret_arn
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.password_days
  }
}
