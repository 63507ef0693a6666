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

variable "node_type" {
  description = "Such as cache.t3.small."
  type        = string
}

variable "nodes" {
  description = "At least two."
  type        = number
}
