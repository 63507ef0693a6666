# Machines that run the daemon's image.

data "aws_ssm_parameter" "linux" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_security_group" "this" {
  name        = "${var.name}-daemon"
  description = "The load balancers alone come in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.web_from
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

# Mail, and the balancer's look at /health/ready.
resource "aws_vpc_security_group_ingress_rule" "smtp" {
  for_each = toset(var.receives_smtp ? ["2525", "8080"] : [])

  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.smtp_from
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.key)
  to_port                      = tonumber(each.key)
}

# Images, secrets, DNS, mail in S3.
resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_instance" "this" {
  count = var.instance_count

  ami                    = data.aws_ssm_parameter.linux.value
  instance_type          = var.instance_type
  subnet_id              = var.subnet_ids[count.index % length(var.subnet_ids)]
  vpc_security_group_ids = [aws_security_group.this.id]
  iam_instance_profile   = var.instance_profile

  # To fetch its first image it needs a way out before the Elastic IP is there.
  associate_public_ip_address = var.elastic_ip

  user_data = templatefile("${path.module}/machine.sh.tftpl", {
    region           = var.region
    image            = var.image
    image_tag        = var.image_tag
    options          = join(" ", var.options)
    database_address = var.database_address
    database_secret  = var.database_secret
    redis_address    = var.redis_address
    redis_secret     = var.redis_secret
    certificate_name = var.certificate_name == null ? "" : var.certificate_name
    units            = { for file in fileset("${path.module}/machine", "*.{service,timer}") : file => file("${path.module}/machine/${file}") }
    scripts          = { for file in fileset("${path.module}/machine", "*.sh") : trimsuffix(file, ".sh") => file("${path.module}/machine/${file}") }
  })
  user_data_replace_on_change = true

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # the container has the network of the machine
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 20
    encrypted   = true
  }

  tags = { Name = "${var.name}-${count.index}" }

  lifecycle {
    # A newer image of the system, or the tag of the last rollout, is no reason for a new machine.
    ignore_changes = [ami, associate_public_ip_address]
  }
}

resource "aws_eip" "this" {
  count = var.elastic_ip ? var.instance_count : 0

  domain = "vpc"
  tags   = { Name = "${var.name}-${count.index}" }
}

resource "aws_eip_association" "this" {
  count = var.elastic_ip ? var.instance_count : 0

  allocation_id = aws_eip.this[count.index].id
  instance_id   = aws_instance.this[count.index].id
}
