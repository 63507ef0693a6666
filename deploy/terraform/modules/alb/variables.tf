variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Public ones, at least two."
  type        = list(string)
}

variable "certificate_arn" {
  description = "For HTTPS, issued."
  type        = string
}

variable "policy_host" {
  description = "mta-sts. before the mail domain."
  type        = string
}

variable "policy" {
  description = "The MTA-STS policy (RFC 8461)."
  type        = string
}

variable "targets" {
  description = "Ids of the machines."
  type        = list(string)
}
