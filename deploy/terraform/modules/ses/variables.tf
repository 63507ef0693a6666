variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "region" {
  description = "Where SES receives."
  type        = string
}

variable "account_id" {
  description = "Ours."
  type        = string
}

variable "domain" {
  description = "Mail is received for it."
  type        = string
}

variable "zone_id" {
  description = "Its hosted zone."
  type        = string
}

variable "webhook" {
  description = "URL that is called for each mail; null until the daemon answers there."
  type        = string
  default     = null
}

variable "deliveries_per_second" {
  description = "How fast a backlog is worked off."
  type        = number
  default     = 100
}

variable "keep_days" {
  description = "For how long mail stays in S3."
  type        = number
  default     = 1
}
