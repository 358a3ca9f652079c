"""Bodies and answers: one marshmallow schema per body, for the HTML form and for REST. Unknown fields are errors."""
