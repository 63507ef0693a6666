variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "region" {
  description = "Of the machines."
  type        = string
}

variable "account_id" {
  description = "Ours."
  type        = string
}

variable "repository_arn" {
  description = "Where images are."
  type        = string
}

variable "secret_arns" {
  description = "Passwords that the daemon needs."
  type        = list(string)
}

variable "bucket_arn" {
  description = "Where SES puts mail; null without SES."
  type        = string
}

variable "dns_zone_id" {
  description = "Where machines prove that the MX host is theirs; null with SES."
  type        = string
}

variable "certificate_name" {
  description = "The MX host; null with SES."
  type        = string
}

variable "github_repository" {
  description = "owner/name of the pipeline; null for none."
  type        = string
}

variable "document" {
  description = "The SSM document of a rollout."
  type        = string
}
