# The whole service: how the modules hang together.

data "aws_availability_zones" "here" {
  state = "available"
}

data "aws_caller_identity" "me" {}

locals {
  ses   = var.receive_by == "ses"
  host  = coalesce(var.host, "app.${var.domain}")
  mx    = "mx.${var.domain}"
  zones = slice(data.aws_availability_zones.here.names, 0, 2)

  document = "${var.name}-rollout"

  policy = join("\n", [
    "version: STSv1",
    "mode: ${var.mta_sts_mode}",
    "mx: ${local.ses ? "inbound-smtp.${var.region}.amazonaws.com" : local.mx}",
    "max_age: 604800",
    "",
  ])

  # How the daemon is started; README.md has the options.
  options = concat(
    [
      "--environment prod",
      "--domain ${var.domain}",
      "--hostname ${local.mx}",
      "--host ${local.host}",
      "--http tcp:8080",
      "--metrics tcp:9464:interface=127.0.0.1",
    ],
    [for cidr in module.vpc.public_cidrs : "--trusted-proxy ${cidr}"],
    local.ses ? ["--sns-topic ${module.ses[0].topic_arn}"] : [
      "--smtp haproxy:tcp:2525",
      "--tls-cert /etc/tempmail/certificate.pem",
      "--tls-key /etc/tempmail/key.pem",
    ],
  )
}

module "vpc" {
  source = "./modules/vpc"

  name         = var.name
  region       = var.region
  cidr         = var.vpc_cidr
  zones        = local.zones
  nat_per_zone = var.nat_per_zone
}

module "ecr" {
  source = "./modules/ecr"

  name = var.name
}

module "acm" {
  source = "./modules/acm"

  names   = [local.host, "mta-sts.${var.domain}"]
  zone_id = var.zone_id
}

module "alb" {
  source = "./modules/alb"

  name            = var.name
  vpc_id          = module.vpc.id
  subnet_ids      = module.vpc.public_subnet_ids
  certificate_arn = module.acm.certificate_arn
  policy_host     = "mta-sts.${var.domain}"
  policy          = local.policy
  targets         = module.ec2.instance_ids
}

module "nlb" {
  source = "./modules/nlb"
  count  = local.ses ? 0 : 1

  name       = var.name
  vpc_id     = module.vpc.id
  subnet_ids = module.vpc.public_subnet_ids
  targets    = module.ec2.instance_ids
}

module "ses" {
  source = "./modules/ses"
  count  = local.ses ? 1 : 0

  name       = var.name
  region     = var.region
  account_id = data.aws_caller_identity.me.account_id
  domain     = var.domain
  zone_id    = var.zone_id
  webhook    = var.subscribe ? "https://${local.host}/api/v1/ses/inbound" : null
}

module "rds" {
  source = "./modules/rds"

  name                = var.name
  vpc_id              = module.vpc.id
  subnet_ids          = module.vpc.private_subnet_ids
  clients             = module.ec2.security_group_id
  instance_class      = var.database_class
  storage_gb          = var.database_storage_gb
  password_days       = var.database_password_days
  deletion_protection = var.deletion_protection
}

module "redis" {
  source = "./modules/redis"

  name       = var.name
  vpc_id     = module.vpc.id
  subnet_ids = module.vpc.private_subnet_ids
  clients    = module.ec2.security_group_id
  node_type  = var.redis_type
  nodes      = var.redis_nodes
}

module "iam" {
  source = "./modules/iam"

  name              = var.name
  region            = var.region
  account_id        = data.aws_caller_identity.me.account_id
  repository_arn    = module.ecr.arn
  secret_arns       = [module.rds.secret_arn, module.redis.secret_arn]
  bucket_arn        = local.ses ? module.ses[0].bucket_arn : null
  dns_zone_id       = local.ses ? null : var.zone_id
  certificate_name  = local.ses ? null : local.mx
  github_repository = var.github_repository
  document          = local.document
}

module "ec2" {
  source = "./modules/ec2"

  name             = var.name
  region           = var.region
  vpc_id           = module.vpc.id
  subnet_ids       = var.elastic_ip ? module.vpc.public_subnet_ids : module.vpc.private_subnet_ids
  elastic_ip       = var.elastic_ip
  instance_type    = var.instance_type
  instance_count   = var.instance_count
  instance_profile = module.iam.instance_profile
  document         = local.document
  web_from         = module.alb.security_group_id
  receives_smtp    = !local.ses
  smtp_from        = local.ses ? null : module.nlb[0].security_group_id
  image            = module.ecr.url
  image_tag        = var.image_tag
  options          = local.options
  database_address = module.rds.address
  database_secret  = module.rds.secret_arn
  redis_address    = module.redis.address
  redis_secret     = module.redis.secret_arn
  certificate_name = local.ses ? null : local.mx
}

module "route53" {
  source = "./modules/route53"

  domain        = var.domain
  zone_id       = var.zone_id
  host          = local.host
  alb_name      = module.alb.dns_name
  alb_zone_id   = module.alb.zone_id
  mx            = local.ses ? "inbound-smtp.${var.region}.amazonaws.com" : local.mx
  mx_addresses  = local.ses ? [] : module.nlb[0].addresses
  ses_sends     = local.ses
  dkim_tokens   = local.ses ? module.ses[0].dkim_tokens : []
  reports       = var.dmarc_reports
  mta_sts_id    = var.mta_sts_id
  mail_from     = local.ses ? module.ses[0].mail_from : null
  feedback_host = "feedback-smtp.${var.region}.amazonses.com"
}
