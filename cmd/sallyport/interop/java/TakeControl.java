package example;

import static org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers.withPkce;

import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.function.Supplier;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;
import org.springframework.security.web.savedrequest.HttpSessionRequestCache;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Whoever is signed in sees the first page; below /remote/ it takes a second factor of the last 15 minutes. */
@SpringBootApplication
@RestController
public class TakeControl {
    static final Duration MAX_AGE = Duration.ofMinutes(15);

    static final String TWO_FACTORS =
        "{\"id_token\":{\"acr\":{\"essential\":true,\"value\":\"urn:sallyport:acr:2fa\"},\"mfa_time\":{\"essential\":true,\"max_age\":900}}}";

    @Bean
    SecurityFilterChain doors(HttpSecurity http, ClientRegistrationRepository products) throws Exception {
        var wanted = new HttpSessionRequestCache();
        return http
            .authorizeHttpRequests(r -> r.requestMatchers("/remote/**").access(this::twoFactors).anyRequest().authenticated())
            .requestCache(c -> c.requestCache(wanted))
            .oauth2Login(login -> login.authorizationEndpoint(e -> e.authorizationRequestResolver(new StepUp(products))))
            .exceptionHandling(e -> e.accessDeniedHandler((request, response, denied) -> {
                if (!request.getRequestURI().startsWith("/remote/")) {
                    response.sendError(403);
                    return;
                }
                wanted.saveRequest(request, response); // where to go afterwards
                response.sendRedirect("/oauth2/authorization/sallyport?step_up");
            }))
            .build();
    }

    /** Adds the demand to the authorization request where a page sent for it. */
    static class StepUp implements OAuth2AuthorizationRequestResolver {
        private final DefaultOAuth2AuthorizationRequestResolver plain;

        StepUp(ClientRegistrationRepository products) {
            plain = new DefaultOAuth2AuthorizationRequestResolver(products, "/oauth2/authorization");
            plain.setAuthorizationRequestCustomizer(withPkce());
        }

        @Override
        public OAuth2AuthorizationRequest resolve(HttpServletRequest request) {
            var asked = plain.resolve(request);
            if (asked == null || request.getParameter("step_up") == null) return asked;
            return OAuth2AuthorizationRequest.from(asked).additionalParameters(more -> more.put("claims", TWO_FACTORS)).build();
        }

        @Override
        public OAuth2AuthorizationRequest resolve(HttpServletRequest request, String product) {
            return plain.resolve(request, product);
        }
    }

    /** Asked at each request, and so on the way back too: that it was asked for proves nothing. */
    AuthorizationDecision twoFactors(Supplier<Authentication> who, RequestAuthorizationContext what) {
        return new AuthorizationDecision(who.get().getPrincipal() instanceof OidcUser user && twoFactors(user, Instant.now()));
    }

    static boolean twoFactors(OidcUser user, Instant now) {
        boolean enough = Set.of("urn:sallyport:acr:2fa", "phr", "phrh").contains(String.valueOf(user.getAuthenticationContextClass()));
        return enough && user.getClaim("mfa_time") instanceof Number at && !now.isAfter(Instant.ofEpochSecond(at.longValue()).plus(MAX_AGE));
    }

    @GetMapping({"/", "/remote/{machine}"})
    String page(@AuthenticationPrincipal OidcUser user) {
        return "<p>You are " + user.getEmail() + ", by " + user.getAuthenticationContextClass() + ".";
    }

    public static void main(String[] args) {
        SpringApplication.run(TakeControl.class, args);
    }
}
