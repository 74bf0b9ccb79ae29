local.get $x11
i32.const -16
i32.shr_s
local.set $x10
