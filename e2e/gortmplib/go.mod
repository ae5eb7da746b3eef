// A module of its own: what only this program needs is none of the product's dependencies.
module streampump/e2e/gortmplib

go 1.26

require github.com/bluenviron/gortmplib v1.0.0

require (
	github.com/abema/go-mp4 v1.7.1 // indirect
	github.com/bluenviron/mediacommon/v2 v2.9.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
)
