# Port 25 to the daemons, with the client's address in front (PROXY protocol, version 2).

resource "aws_security_group" "this" {
  name        = "${var.name}-nlb"
  description = "SMTP from everywhere"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "smtp" {
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 25
  to_port           = 25
}

resource "aws_vpc_security_group_egress_rule" "daemons" {
  for_each = toset(["2525", "8080"]) # mail, and whether the daemon is ready

  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

# Addresses that stay, for the MX host and its reverse DNS.
resource "aws_eip" "this" {
  count = length(var.subnet_ids)

  domain = "vpc"
  tags   = { Name = "${var.name}-mx-${count.index}" }
}

resource "aws_lb" "this" {
  name                             = "${var.name}-mx"
  load_balancer_type               = "network"
  security_groups                  = [aws_security_group.this.id]
  enable_cross_zone_load_balancing = true

  dynamic "subnet_mapping" {
    for_each = range(length(var.subnet_ids))

    content {
      subnet_id     = var.subnet_ids[subnet_mapping.value]
      allocation_id = aws_eip.this[subnet_mapping.value].id
    }
  }
}

resource "aws_lb_target_group" "daemons" {
  name                 = "${var.name}-smtp"
  port                 = 2525
  protocol             = "TCP"
  vpc_id               = var.vpc_id
  proxy_protocol_v2    = true
  preserve_client_ip   = false # else packets bypass the balancer's group, and the header says it
  deregistration_delay = 30

  health_check {
    protocol = "HTTP"
    port     = "8080"
    path     = "/health/ready"
    interval = 10
  }
}

resource "aws_lb_target_group_attachment" "daemon" {
  count = length(var.targets)

  target_group_arn = aws_lb_target_group.daemons.arn
  target_id        = var.targets[count.index]
}

resource "aws_lb_listener" "smtp" {
  load_balancer_arn = aws_lb.this.arn
  port              = 25
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.daemons.arn
  }
}
