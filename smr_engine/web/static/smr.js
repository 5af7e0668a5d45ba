// The little that HTML and htmx leave open. Every page works without it.
"use strict";
