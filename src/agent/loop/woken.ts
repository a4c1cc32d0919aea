/** Why a sleep is ended early. Without a reason of its own every abort makes an exception with a stack, and loops abort all day. */
export const woken = "woken";
