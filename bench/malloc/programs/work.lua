-- The load of the job `lua`: trees of tables, strings, closures; every byte goes through realloc.
-- Usage: lua5.4 work.lua ROUNDS
local function tree(depth)
    if depth == 0 then return { "leaf" } end
    return { tree(depth - 1), tree(depth - 1), depth = depth }
end

local function count(node)
    if node[1] == "leaf" then return 1 end
    return count(node[1]) + count(node[2])
end

local function text(seed)
    local words = {}
    for i = 1, 40000 do
        local key = "key" .. (i * seed) % 4999
        words[key] = (words[key] or "") .. string.char(97 + i % 26)
    end
    local lines = {}
    for key, word in pairs(words) do lines[#lines + 1] = key .. "=" .. word:upper() end
    table.sort(lines)
    return #table.concat(lines, "\n"):gsub("%d+", "<%0>")
end

local function closures()
    local functions = {}
    for i = 1, 50000 do
        functions[i] = function(x) return x + i end
    end
    local sum = 0
    for i = 1, #functions do sum = functions[i](sum) % 1000003 end
    return sum
end

for seed = 1, tonumber(arg[1]) do
    local long_lived = tree(14)
    local sum = 0
    for _ = 1, 8 do sum = sum + count(tree(12)) end
    print(count(long_lived), sum, text(seed + 6), closures())
end
