"""GitLab: pipelines of watched projects by GraphQL, by REST where that is refused."""
