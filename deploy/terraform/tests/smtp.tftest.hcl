# Mail on port 25, without SES.  No account is needed: terraform test

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  receive_by    = "smtp"
  domain        = "mail.example"
  zone_id       = "Z1"
  dmarc_reports = "reports@elsewhere.example"
}

run "plan" {
  command = plan
}

run "apply" {
  assert {
    condition     = length(module.ses) == 0 && module.route53.records.dkim == 0
    error_message = "SES is there although it is not asked for."
  }

  assert {
    condition     = module.route53.records.mx == toset(["10 mx.mail.example"]) && module.route53.records.spf == toset(["v=spf1 -all"])
    error_message = "The daemon is not the MX, or somebody may send."
  }

  assert {
    condition     = module.nlb[0].proxy_protocol && length(output.mx_addresses) == 2
    error_message = "The client's address is lost, or the MX has none."
  }

  assert {
    condition     = toset(module.ec2.machine.smtp_port) == toset([2525, 8080])
    error_message = "The balancer cannot reach the daemon."
  }

  assert {
    condition     = strcontains(module.ec2.machine.script, "--smtp haproxy:tcp:2525 --tls-cert") && !strcontains(module.ec2.machine.script, "--sns-topic")
    error_message = "The daemon does not read the PROXY header."
  }

  assert {
    condition     = strcontains(module.ec2.machine.script, "CERTIFICATE_NAME=mx.mail.example")
    error_message = "There would be no certificate for STARTTLS."
  }

  assert {
    condition     = length(module.iam.trusts) == 0
    error_message = "A pipeline is trusted that nobody named."
  }
}

run "neither" {
  command = plan

  variables {
    receive_by = "imap"
  }

  expect_failures = [var.receive_by]
}
