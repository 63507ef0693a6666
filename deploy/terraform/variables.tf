variable "name" {
  description = "What everything is called by."
  type        = string
  default     = "tempmail"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "2 to 20 lower-case letters, digits and hyphens: load balancers take no more."
  }
}

variable "region" {
  description = "Where it runs; with receive_by = \"ses\" one in which SES receives mail."
  type        = string
  default     = "eu-west-1"
}

variable "receive_by" {
  description = "How mail comes in: \"ses\" (SES, S3, SNS and the webhook) or \"smtp\" (port 25 of the daemon behind a network load balancer)."
  type        = string
  default     = "ses"

  validation {
    condition     = contains(["ses", "smtp"], var.receive_by)
    error_message = "ses or smtp."
  }
}

variable "domain" {
  description = "Mail is received for it."
  type        = string
}

variable "host" {
  description = "The name of the API and the pages; null for app. before the domain."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "The Route 53 hosted zone of the domain."
  type        = string
}

variable "dmarc_reports" {
  description = "Where others report forgeries and TLS trouble to: an address of another domain."
  type        = string
}

variable "mta_sts_mode" {
  description = "testing until the reports are clean, then enforce."
  type        = string
  default     = "testing"

  validation {
    condition     = contains(["none", "testing", "enforce"], var.mta_sts_mode)
    error_message = "none, testing or enforce (RFC 8461)."
  }
}

variable "mta_sts_id" {
  description = "To be changed with every change of the policy."
  type        = string
  default     = "1"
}

variable "subscribe" {
  description = "Subscribe the webhook to the topic; on from the second apply, when the daemon answers."
  type        = bool
  default     = false
}

variable "image_tag" {
  description = "A commit's hash that new machines run; nothing runs before the first rollout. Changing it makes new machines, a rollout does not."
  type        = string
  default     = "none"
}

variable "github_repository" {
  description = "owner/name that may push images and roll them out from its environment \"production\"; null for none."
  type        = string
  default     = null
}

variable "vpc_cidr" {
  description = "A /16 to /20; each zone gets a public and a private sixteenth of it."
  type        = string
  default     = "10.20.0.0/16"
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone for what is in private subnets and calls out; needed unless elastic_ip."
  type        = bool
  default     = true
}

variable "elastic_ip" {
  description = "Machines in the public subnets with an address that stays; else in the private ones, behind the NAT."
  type        = bool
  default     = true

  validation {
    condition     = var.elastic_ip || var.nat_per_zone
    error_message = "Without an Elastic IP and without a NAT a machine cannot fetch its image."
  }
}

variable "instance_type" {
  description = "Of the machines with the daemon."
  type        = string
  default     = "t3.medium"
}

variable "instance_count" {
  description = "Daemons, spread over the zones."
  type        = number
  default     = 1

  validation {
    condition     = var.instance_count >= 1 && var.instance_count <= 8
    error_message = "1 to 8: more would want a larger database first."
  }
}

variable "database_class" {
  description = "Of PostgreSQL."
  type        = string
  default     = "db.t3.small"
}

variable "database_storage_gb" {
  description = "Of gp3 to begin with; it grows by itself to four times that."
  type        = number
  default     = 50
}

variable "database_password_days" {
  description = "Days after which RDS makes a new password; machines fetch it within a minute."
  type        = number
  default     = 90
}

variable "deletion_protection" {
  description = "Whether the database refuses to be deleted."
  type        = bool
  default     = true
}

variable "redis_type" {
  description = "Of the Redis nodes."
  type        = string
  default     = "cache.t3.small"
}

variable "redis_nodes" {
  description = "One that writes, and others that take over."
  type        = number
  default     = 2

  validation {
    condition     = var.redis_nodes >= 2
    error_message = "At least 2: a single node has nothing to fail over to."
  }
}
