variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private ones in two zones."
  type        = list(string)
}

variable "clients" {
  description = "Security group that may connect."
  type        = string
}

variable "instance_class" {
  description = "Such as db.t3.small."
  type        = string
}

variable "storage_gb" {
  description = "To begin with."
  type        = number
}

variable "password_days" {
  description = "Days from one password to the next."
  type        = number
}

variable "deletion_protection" {
  description = "Whether it refuses to be deleted."
  type        = bool
}
