# The load balancer's certificate, validated and renewed by DNS.

resource "aws_acm_certificate" "this" {
  domain_name               = var.names[0]
  subject_alternative_names = slice(var.names, 1, length(var.names))
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # By name and not by option: the names are known before the certificate is there.
  options = {
    for name in var.names :
    name => one([for o in aws_acm_certificate.this.domain_validation_options : o if o.domain_name == name])
  }
}

resource "aws_route53_record" "validation" {
  for_each = toset(var.names)

  zone_id         = var.zone_id
  name            = local.options[each.key].resource_record_name
  type            = local.options[each.key].resource_record_type
  records         = [local.options[each.key].resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}
