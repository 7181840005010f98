import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateRevokedException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Validates certificates as Java does, with a CRL and nothing else to tell their status.
 *
 * <p>java CheckCrl.java ISSUER CRL CERTIFICATE... prints for each certificate one line: good, revoked or "refused WHY".
 */
public final class CheckCrl {
    public static void main(String[] arguments) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        X509Certificate issuer = (X509Certificate) read(factory, arguments[0]);
        X509CRL crl;
        try (InputStream stream = Files.newInputStream(Path.of(arguments[1]))) {
            crl = (X509CRL) factory.generateCRL(stream);
        }
        for (int i = 2; i < arguments.length; i++) {
            CertPathValidator validator = CertPathValidator.getInstance("PKIX");
            PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
            checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
            PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(issuer, null)));
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(List.of(crl))));
            parameters.addCertPathChecker(checker);
            CertPath path = factory.generateCertPath(List.of(read(factory, arguments[i])));
            try {
                validator.validate(path, parameters);
                System.out.println("good");
            } catch (CertPathValidatorException e) {
                System.out.println(e.getCause() instanceof CertificateRevokedException ? "revoked" : "refused " + e.getMessage());
            }
        }
    }

    private static X509Certificate read(CertificateFactory factory, String file) throws Exception {
        try (InputStream stream = Files.newInputStream(Path.of(file))) {
            return (X509Certificate) factory.generateCertificate(stream);
        }
    }
}
