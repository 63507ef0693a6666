variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "region" {
  description = "Of the registry and the secret."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Filled in turn."
  type        = list(string)
}

variable "elastic_ip" {
  description = "Whether machines have public addresses that stay."
  type        = bool
}

variable "instance_type" {
  description = "Such as t3.medium."
  type        = string
}

variable "instance_count" {
  description = "How many."
  type        = number
}

variable "instance_profile" {
  description = "The role's."
  type        = string
}

variable "document" {
  description = "Name of the rollout's document."
  type        = string
}

variable "web_from" {
  description = "Security group of the application load balancer."
  type        = string
}

variable "receives_smtp" {
  description = "Whether mail comes in on port 2525."
  type        = bool
}

variable "smtp_from" {
  description = "Security group of the network load balancer; null without one."
  type        = string
}

variable "image" {
  description = "The repository's address."
  type        = string
}

variable "image_tag" {
  description = "What is run at first."
  type        = string
}

variable "options" {
  description = "Of the daemon."
  type        = list(string)
}

variable "database_address" {
  description = "Host of PostgreSQL."
  type        = string
}

variable "database_secret" {
  description = "ARN of its user and password."
  type        = string
}

variable "redis_address" {
  description = "Host of Redis."
  type        = string
}

variable "redis_secret" {
  description = "ARN of its password."
  type        = string
}

variable "certificate_name" {
  description = "Host that STARTTLS needs a certificate for; null for none."
  type        = string
}
