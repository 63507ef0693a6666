terraform {
  required_version = ">= 1.10" # use_lockfile, mocked tests

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.80"
    }
  }

  # Bucket, key and region come from a file that is not in git (README.md); the lock is an object
  # beside the state, no table is needed.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Service = var.name }
  }
}
