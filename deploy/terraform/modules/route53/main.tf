# What tempmail/docs/dns.md says to publish.

resource "aws_route53_record" "web" {
  for_each = toset([var.host, "mta-sts.${var.domain}"])

  zone_id = var.zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = var.alb_name
    zone_id                = var.alb_zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_record" "mx" {
  zone_id = var.zone_id
  name    = var.domain
  type    = "MX"
  ttl     = 300
  records = ["10 ${var.mx}"]
}

# Plain addresses and no alias: the MX host is one that also answers reverse look-ups.
resource "aws_route53_record" "mx_host" {
  count = var.ses_sends ? 0 : 1

  zone_id = var.zone_id
  name    = var.mx
  type    = "A"
  ttl     = 300
  records = var.mx_addresses
}

# The service itself never sends; SES may, where its identity is here.
resource "aws_route53_record" "spf" {
  zone_id = var.zone_id
  name    = var.domain
  type    = "TXT"
  ttl     = 300
  records = [var.ses_sends ? "v=spf1 include:amazonses.com -all" : "v=spf1 -all"]
}

resource "aws_route53_record" "dkim" {
  count = var.ses_sends ? 3 : 0

  zone_id = var.zone_id
  name    = "${var.dkim_tokens[count.index]}._domainkey.${var.domain}"
  type    = "CNAME"
  ttl     = 300
  records = ["${var.dkim_tokens[count.index]}.dkim.amazonses.com"]
}

# Every selector is revoked where nobody signs (RFC 6376 section 3.6.1).
resource "aws_route53_record" "no_dkim" {
  count = var.ses_sends ? 0 : 1

  zone_id = var.zone_id
  name    = "*._domainkey.${var.domain}"
  type    = "TXT"
  ttl     = 300
  records = ["v=DKIM1; p="]
}

resource "aws_route53_record" "mail_from_mx" {
  count = var.ses_sends ? 1 : 0

  zone_id = var.zone_id
  name    = var.mail_from
  type    = "MX"
  ttl     = 300
  records = ["10 ${var.feedback_host}"]
}

resource "aws_route53_record" "mail_from_spf" {
  count = var.ses_sends ? 1 : 0

  zone_id = var.zone_id
  name    = var.mail_from
  type    = "TXT"
  ttl     = 300
  records = ["v=spf1 include:amazonses.com -all"]
}

resource "aws_route53_record" "dmarc" {
  zone_id = var.zone_id
  name    = "_dmarc.${var.domain}"
  type    = "TXT"
  ttl     = 300
  records = ["v=DMARC1; p=reject; adkim=s; rua=mailto:${var.reports}"]
}

resource "aws_route53_record" "mta_sts" {
  zone_id = var.zone_id
  name    = "_mta-sts.${var.domain}"
  type    = "TXT"
  ttl     = 300
  records = ["v=STSv1; id=${var.mta_sts_id}"]
}

resource "aws_route53_record" "tls_reports" {
  zone_id = var.zone_id
  name    = "_smtp._tls.${var.domain}"
  type    = "TXT"
  ttl     = 300
  records = ["v=TLSRPTv1; rua=mailto:${var.reports}"]
}
