module croc-share/test/vectors

go 1.25.0

require (
	github.com/schollz/pake/v3 v3.2.0
	github.com/tscholl2/siec v0.0.0-20240310163802-c2c6f6198406
)

require filippo.io/edwards25519 v1.2.0 // indirect
