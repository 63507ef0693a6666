output "records" {
  description = "What is published, by type and name, for the tests."
  value = {
    mx    = aws_route53_record.mx.records
    spf   = aws_route53_record.spf.records
    dmarc = aws_route53_record.dmarc.records
    dkim  = length(aws_route53_record.dkim)
    hosts = [for record in aws_route53_record.web : record.name]
  }
}
