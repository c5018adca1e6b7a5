package protocol

// CloseCode returns the WebSocket close code that follows a fatal error: 4000 to 4099, except for
// CodeSlow. The codes never change, because clients depend on them.
func CloseCode(code ErrorCode) int {
	switch code {
	case CodeBadMessage:
		return 4000
	case CodeTooLarge:
		return 4001
	case CodeRate:
		return 4002
	case CodeTicketInvalid:
		return 4003
	case CodeTicketExpired:
		return 4004
	case CodeTicketUsed:
		return 4005
	case CodeResumeUnknown:
		return 4006
	case CodeWrongState:
		return 4007
	case CodeRoomFull:
		return 4008
	case CodeRoomClosed:
		return 4009
	case CodeBadSDP:
		return 4010
	case CodeReplaced:
		return 4011
	case CodeSessionEnded:
		return 4012
	case CodeTooManyRooms:
		return 4013
	case CodeOtherNode:
		return 4015
	case CodeSlow:
		return 1013 // the standard "try again later": the client may resume
	}
	return 4014
}
