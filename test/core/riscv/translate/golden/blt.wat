local.get $x11
local.get $x12
i32.lt_s
