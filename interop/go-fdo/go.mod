module tessera.example/interop/go-fdo

go 1.25.0

require (
	github.com/fido-device-onboard/go-fdo v0.0.0-20260316145830-3c6ea7fc24fb
	github.com/fido-device-onboard/go-fdo/fsim v0.0.0-20260316145830-3c6ea7fc24fb
	github.com/fido-device-onboard/go-fdo/sqlite v0.0.0-20260316145830-3c6ea7fc24fb
)

require (
	github.com/ncruces/go-sqlite3 v0.30.5 // indirect
	github.com/ncruces/julianday v1.0.0 // indirect
	github.com/tetratelabs/wazero v1.11.0 // indirect
	golang.org/x/crypto v0.47.0 // indirect
	golang.org/x/sys v0.40.0 // indirect
)
