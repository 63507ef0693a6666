variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "region" {
  description = "For the names of endpoints."
  type        = string
}

variable "cidr" {
  description = "Of the whole network."
  type        = string
}

variable "zones" {
  description = "Availability zones."
  type        = list(string)
}

variable "nat_per_zone" {
  description = "Whether private subnets have a way out."
  type        = bool
}
