variable "name" {
  description = "What everything is called by."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Public ones; each gets an address."
  type        = list(string)
}

variable "targets" {
  description = "Ids of the machines."
  type        = list(string)
}
