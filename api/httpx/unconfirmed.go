package httpx

import "bedside/store"

// Unconfirmed returns a Fault for what an account may not do until its address is confirmed. what
// completes the sentence "Until your address is confirmed you ...".
func Unconfirmed(what string) *Fault {
	return &Fault{
		Err: store.ErrForbidden, Code: "address-unconfirmed",
		Detail: "Until your address is confirmed you " + what + ". Follow the link in our mail, " +
			"or have it sent again in your profile.",
	}
}
