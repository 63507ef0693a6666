# AWS as far as its answers are looked at: names of zones, ARNs that parse, lists that are not empty.

mock_data "aws_availability_zones" {
  defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_ssm_parameter" {
  defaults = { value = "ami-0123456789abcdef0" }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/c"
    domain_validation_options = [
      {
        domain_name           = "app.mail.example"
        resource_record_name  = "_1.app.mail.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_2.acm-validations.aws."
      },
      {
        domain_name           = "mta-sts.mail.example"
        resource_record_name  = "_3.mta-sts.mail.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_4.acm-validations.aws."
      },
    ]
  }
}

mock_resource "aws_lb" {
  defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/t/1" }
}

mock_resource "aws_lb_listener" {
  defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/t/1/2" }
}

mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/t/1" }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    arn            = "arn:aws:ecr:eu-west-1:123456789012:repository/tempmail"
    repository_url = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tempmail"
  }
}

mock_resource "aws_db_instance" {
  defaults = {
    address = "tempmail.db.example"
    master_user_secret = [{
      kms_key_id    = "k"
      secret_arn    = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db"
      secret_status = "active"
    }]
  }
}

mock_data "aws_secretsmanager_random_password" {
  defaults = { random_password = "0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tempmail-redis-1" }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = { primary_endpoint_address = "redis.example" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::tempmail-mail-1", id = "tempmail-mail-1" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:tempmail-mail" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:tempmail-dead-letters" }
}

mock_resource "aws_ses_domain_dkim" {
  defaults = { dkim_tokens = ["one", "two", "three"] }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/tempmail" }
}

mock_resource "aws_eip" {
  defaults = { public_ip = "192.0.2.25" }
}
