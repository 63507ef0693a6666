# What a machine may do; no key is stored anywhere.

resource "aws_iam_role" "machine" {
  name = "${var.name}-machine"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_instance_profile" "machine" {
  name = "${var.name}-machine"
  role = aws_iam_role.machine.name
}

# Sessions and rollouts by Systems Manager instead of SSH.
resource "aws_iam_role_policy_attachment" "ssm" {
  role       = aws_iam_role.machine.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_role_policy" "machine" {
  name = "daemon"
  role = aws_iam_role.machine.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
        {
          Effect   = "Allow"
          Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource = var.repository_arn
        },
        { Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = var.secret_arns },
      ],
      # Mail that SES has put there.
      [for arn in var.bucket_arn[*] : {
        Effect = "Allow", Action = "s3:GetObject", Resource = "${arn}/inbound/*"
      }],
      # A certificate for the MX host, by DNS; Let's Encrypt looks for one record alone.
      [for zone in var.dns_zone_id[*] : {
        Effect   = "Allow"
        Action   = "route53:ChangeResourceRecordSets"
        Resource = "arn:aws:route53:::hostedzone/${zone}"
        Condition = {
          "ForAllValues:StringEquals" = {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["_acme-challenge.${var.certificate_name}"]
          }
        }
      }],
      [for zone in var.dns_zone_id[*] : {
        Effect = "Allow", Action = ["route53:ListHostedZones", "route53:GetChange"], Resource = "*"
      }],
    )
  })
}
