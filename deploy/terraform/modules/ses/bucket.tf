# Mail between SES and the daemon: a day at most.

locals {
  # Only SES, and only on behalf of this account's rules, may write mail or announce it.
  from_our_ses = {
    StringEquals = { "AWS:SourceAccount" = var.account_id }
    ArnLike      = { "AWS:SourceArn" = "arn:aws:ses:${var.region}:${var.account_id}:receipt-rule-set/${var.name}:receipt-rule/*" }
  }
}

resource "aws_s3_bucket" "mail" {
  bucket_prefix = "${var.name}-mail-"
}

resource "aws_s3_bucket_public_access_block" "mail" {
  bucket = aws_s3_bucket.mail.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "mail" {
  bucket = aws_s3_bucket.mail.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# The shortest that S3 knows: longer than the topic's retries, and what is in dead letters for
# longer than this has lost its mail.
resource "aws_s3_bucket_lifecycle_configuration" "mail" {
  bucket = aws_s3_bucket.mail.id

  rule {
    id     = "a-day"
    status = "Enabled"

    filter {}

    expiration {
      days = var.keep_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "mail" {
  bucket = aws_s3_bucket.mail.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "SesWrites"
        Effect    = "Allow"
        Principal = { Service = "ses.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.mail.arn}/inbound/*"
        Condition = local.from_our_ses
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.mail.arn, "${aws_s3_bucket.mail.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
