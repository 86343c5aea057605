namespace Atelier.Formats;

/// <summary>The types of metadata values in GGUF files, by their numbers in the format.</summary>
internal enum GgufValueType : uint
{
    UInt8,
    Int8,
    UInt16,
    Int16,
    UInt32,
    Int32,
    Float32,
    Bool,
    Text,
    Array,
    UInt64,
    Int64,
    Float64,
}
