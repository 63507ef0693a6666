output "address" {
  value = aws_db_instance.this.address
}

output "secret_arn" {
  description = "JSON with username and password."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "guarded" {
  description = "What must hold of the database, for the tests."
  value = {
    multi_az  = aws_db_instance.this.multi_az
    encrypted = aws_db_instance.this.storage_encrypted
    public    = aws_db_instance.this.publicly_accessible
    backups   = aws_db_instance.this.backup_retention_period
    protected = aws_db_instance.this.deletion_protection
  }
}
