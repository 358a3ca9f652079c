"""Bodies and answers: marshmallow only, one schema per body, for the HTML form and for REST. An unknown field is an error."""
