//! Plans of requests, from text to shape.
