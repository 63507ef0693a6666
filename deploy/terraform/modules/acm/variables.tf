variable "names" {
  description = "Host names, the main one first."
  type        = list(string)
}

variable "zone_id" {
  description = "The hosted zone of all of them."
  type        = string
}
