using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tensors;

public sealed class TensorFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("atelier-test-");

    private string Path => System.IO.Path.Combine(_folder.FullName, "t.safetensors");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Every_type_and_shape_comes_back_as_it_was()
    {
        ScalarType[] types =
        [
            ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64,
            ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
        ];
        var tensors = types.ToDictionary(type => type.ToString(), type => (arange(12).reshape(3, 4) - 3).to(type));
        tensors["scalar"] = tensor(2.5f);
        tensors["empty"] = zeros(0, 3);
        tensors["transposed"] = arange(6).reshape(2, 3).t();
        TensorFiles.Write(Path, tensors);
        IReadOnlyDictionary<string, Tensor> read = TensorFiles.Read(Path);
        read.Keys.ShouldBe(tensors.Keys, ignoreOrder: true);
        ones(2).Equals(zeros(2)).ShouldBeFalse("tensors are compared by value");
        foreach ((string name, Tensor written) in tensors)
        {
            read[name].dtype.ShouldBe(written.dtype, name);
            read[name].shape.ShouldBe(written.shape, name);
            read[name].Equals(written).ShouldBeTrue(name);
        }
    }

    [Fact]
    public void The_bytes_are_where_the_format_says()
    {
        TensorFiles.Write(Path, new Dictionary<string, Tensor> { ["w"] = tensor(new float[] { 1, 2, 3 }) });
        byte[] file = File.ReadAllBytes(Path);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using JsonDocument json = JsonDocument.Parse(Encoding.UTF8.GetString(file, 8, header));
        int start = json.RootElement.GetProperty("w").GetProperty("data_offsets")[0].GetInt32();
        BinaryPrimitives.ReadSingleLittleEndian(file.AsSpan(8 + header + start + 8)).ShouldBe(3);
    }

    [Fact]
    public void The_same_tensors_make_the_same_file_in_whatever_order_they_come()
    {
        Tensor a = ones(2), b = zeros(3);
        TensorFiles.Write(Path, new Dictionary<string, Tensor> { ["a"] = a, ["b"] = b });
        byte[] first = File.ReadAllBytes(Path);
        TensorFiles.Write(Path, new Dictionary<string, Tensor> { ["b"] = b, ["a"] = a });
        File.ReadAllBytes(Path).ShouldBe(first);
    }
}
