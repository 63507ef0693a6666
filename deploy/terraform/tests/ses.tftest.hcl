# Mail by SES, the default.  No account is needed: terraform test

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  domain            = "mail.example"
  zone_id           = "Z1"
  dmarc_reports     = "reports@elsewhere.example"
  github_repository = "owner/tempmail"
}

run "plan" {
  command = plan
}

run "first_apply" {
  assert {
    condition     = module.route53.records.mx == toset(["10 inbound-smtp.eu-west-1.amazonaws.com"])
    error_message = "SES is not the MX."
  }

  assert {
    condition     = module.route53.records.dkim == 3 && length(module.route53.records.hosts) == 2
    error_message = "DKIM or a host is missing."
  }

  assert {
    condition     = module.ses[0].subscriptions == 0
    error_message = "The webhook is subscribed before the daemon answers."
  }

  assert {
    condition     = length(module.nlb) == 0 && length(module.ec2.machine.smtp_port) == 0
    error_message = "Port 25 is open although SES receives."
  }

  assert {
    condition     = module.ec2.machine.type == "t3.medium" && module.ec2.machine.addresses == 1 && module.ec2.machine.tokens == "required"
    error_message = "The machine is not as promised."
  }

  assert {
    condition     = strcontains(module.ec2.machine.script, "--sns-topic arn:aws:sns:eu-west-1:123456789012:tempmail-mail") && !strcontains(module.ec2.machine.script, "haproxy:")
    error_message = "The daemon is not told the topic."
  }

  assert {
    condition     = strcontains(module.ec2.machine.script, "--trusted-proxy 10.20.0.0/20 --trusted-proxy 10.20.16.0/20")
    error_message = "The daemon would take the load balancer for its client."
  }

  assert {
    condition     = length(module.ec2.machine.script) < 16384
    error_message = "User data holds 16 KB at most."
  }

  assert {
    condition     = module.rds.guarded == { multi_az = true, encrypted = true, public = false, backups = 7, protected = true }
    error_message = "The database is not guarded."
  }

  assert {
    condition     = module.redis.guarded == { tls = true, password = true, failover = true, nodes = 2 }
    error_message = "Redis is not guarded."
  }

  assert {
    condition     = module.alb.redirect == "HTTPS"
    error_message = "Port 80 serves without TLS."
  }

  assert {
    condition     = module.iam.trusts == ["repo:owner/tempmail:environment:production"]
    error_message = "Others may become the pipeline."
  }
}

run "second_apply_subscribes" {
  variables {
    subscribe = true
  }

  assert {
    condition     = module.ses[0].subscriptions == 1
    error_message = "The webhook is not subscribed."
  }

  assert {
    condition     = module.ses[0].retry_seconds > 3000 && module.ses[0].retry_seconds <= 3600
    error_message = "Retries last about an hour, and no more than SNS allows."
  }
}

run "private_machines" {
  command = plan

  variables {
    elastic_ip     = false
    instance_count = 2
  }

  assert {
    condition     = module.ec2.machine.addresses == 0 && module.ec2.machine.count == 2
    error_message = "Private machines have no addresses of their own."
  }
}

run "no_way_out" {
  command = plan

  variables {
    elastic_ip   = false
    nat_per_zone = false
  }

  expect_failures = [var.elastic_ip]
}
