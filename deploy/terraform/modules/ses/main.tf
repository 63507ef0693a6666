# Mail by SES: scanned, put into S3, announced on a topic that calls the daemon's webhook.

resource "aws_ses_domain_identity" "this" {
  domain = var.domain
}

resource "aws_route53_record" "verification" {
  zone_id = var.zone_id
  name    = "_amazonses.${var.domain}"
  type    = "TXT"
  ttl     = 300
  records = [aws_ses_domain_identity.this.verification_token]
}

resource "aws_ses_domain_identity_verification" "this" {
  domain = aws_ses_domain_identity.this.id

  depends_on = [aws_route53_record.verification]
}

resource "aws_ses_domain_dkim" "this" {
  domain = aws_ses_domain_identity.this.domain
}

resource "aws_ses_domain_mail_from" "this" {
  domain           = aws_ses_domain_identity.this.domain
  mail_from_domain = "bounce.${var.domain}"
}

resource "aws_ses_receipt_rule_set" "this" {
  rule_set_name = var.name
}

# An account has one active set.
resource "aws_ses_active_receipt_rule_set" "this" {
  rule_set_name = aws_ses_receipt_rule_set.this.rule_set_name
}

resource "aws_ses_receipt_rule" "receive" {
  name          = "receive"
  rule_set_name = aws_ses_receipt_rule_set.this.rule_set_name
  recipients    = [var.domain]
  enabled       = true
  scan_enabled  = true       # spam and virus verdicts; only the latter keeps a mail out
  tls_policy    = "Optional" # as on any port 25

  # Notifications hold 150 KB at most, so the mail itself goes by S3.
  s3_action {
    position          = 1
    bucket_name       = aws_s3_bucket.mail.id
    object_key_prefix = "inbound/"
    topic_arn         = aws_sns_topic.mail.arn
  }

  depends_on = [aws_s3_bucket_policy.mail, aws_sns_topic_policy.mail]
}
