# What the pipeline sends: a tag, and nothing else.

resource "aws_ssm_document" "rollout" {
  name            = var.document
  document_type   = "Command"
  document_format = "JSON"

  content = jsonencode({
    schemaVersion = "2.2"
    description   = "Run the image of a commit"
    parameters = {
      tag = {
        type           = "String"
        description    = "A commit's hash."
        allowedPattern = "^[0-9a-f]{7,40}$"
      }
    }
    mainSteps = [{
      action = "aws:runShellScript"
      name   = "rollout"
      inputs = {
        timeoutSeconds = "600"
        runCommand     = ["/usr/local/sbin/tempmail-rollout '{{ tag }}'"]
      }
    }]
  })
}
