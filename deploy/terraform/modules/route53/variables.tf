variable "domain" {
  description = "Mail is received for it."
  type        = string
}

variable "zone_id" {
  description = "Its hosted zone."
  type        = string
}

variable "host" {
  description = "The name of the API and the pages."
  type        = string
}

variable "alb_name" {
  description = "DNS name of the load balancer."
  type        = string
}

variable "alb_zone_id" {
  description = "Its zone, for the alias."
  type        = string
}

variable "mx" {
  description = "The host that receives mail."
  type        = string
}

variable "mx_addresses" {
  description = "Its addresses, where it is ours."
  type        = list(string)
}

variable "ses_sends" {
  description = "Whether SES has the domain's identity, and so receives for it and may send."
  type        = bool
}

variable "dkim_tokens" {
  description = "Of SES, three or none."
  type        = list(string)
}

variable "mail_from" {
  description = "The domain that bounces go to; null without SES."
  type        = string
}

variable "feedback_host" {
  description = "Where SES takes those bounces."
  type        = string
}

variable "reports" {
  description = "Address for DMARC's and TLS's reports."
  type        = string
}

variable "mta_sts_id" {
  description = "Of the policy."
  type        = string
}
